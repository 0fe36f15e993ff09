"""The 31 kecamatan of Kabupaten Bandung, with what a simulated regency needs of them."""

from dataclasses import dataclass

TIME_ZONE = "Asia/Jakarta"


@dataclass(frozen=True, slots=True)
class Kecamatan:
    """A district: its Kemendagri code, the approximate centre of its town, and its share of the lamps."""

    code: str
    name: str
    short: str
    latitude: float
    longitude: float
    weight: int


SOREANG = Kecamatan("32.04.37", "Soreang", "SOR", -7.033, 107.518, 12)

KECAMATAN: tuple[Kecamatan, ...] = (
    SOREANG,
    Kecamatan("32.04.05", "Cileunyi", "CLY", -6.939, 107.741, 14),
    Kecamatan("32.04.06", "Cimenyan", "CMY", -6.873, 107.652, 6),
    Kecamatan("32.04.07", "Cilengkrang", "CLK", -6.885, 107.710, 4),
    Kecamatan("32.04.08", "Bojongsoang", "BJS", -6.984, 107.643, 9),
    Kecamatan("32.04.09", "Margahayu", "MHY", -6.972, 107.569, 9),
    Kecamatan("32.04.10", "Margaasih", "MSH", -6.952, 107.548, 10),
    Kecamatan("32.04.11", "Katapang", "KTP", -7.009, 107.563, 9),
    Kecamatan("32.04.12", "Dayeuhkolot", "DYK", -6.982, 107.620, 8),
    Kecamatan("32.04.13", "Banjaran", "BJR", -7.046, 107.588, 9),
    Kecamatan("32.04.14", "Pameungpeuk", "PMP", -7.020, 107.601, 6),
    Kecamatan("32.04.15", "Pangalengan", "PGL", -7.178, 107.571, 8),
    Kecamatan("32.04.16", "Arjasari", "ARJ", -7.066, 107.634, 5),
    Kecamatan("32.04.17", "Cimaung", "CMG", -7.092, 107.562, 5),
    Kecamatan("32.04.25", "Cicalengka", "CCL", -6.985, 107.838, 8),
    Kecamatan("32.04.26", "Nagreg", "NGR", -7.023, 107.886, 4),
    Kecamatan("32.04.27", "Cikancung", "CKC", -7.018, 107.827, 5),
    Kecamatan("32.04.28", "Rancaekek", "RCK", -6.966, 107.762, 13),
    Kecamatan("32.04.29", "Ciparay", "CPR", -7.036, 107.710, 10),
    Kecamatan("32.04.30", "Pacet", "PCT", -7.098, 107.709, 5),
    Kecamatan("32.04.31", "Kertasari", "KRT", -7.190, 107.681, 4),
    Kecamatan("32.04.32", "Baleendah", "BLD", -7.005, 107.629, 16),
    Kecamatan("32.04.33", "Majalaya", "MJL", -7.050, 107.755, 11),
    Kecamatan("32.04.34", "Solokanjeruk", "SLJ", -7.020, 107.749, 5),
    Kecamatan("32.04.35", "Paseh", "PSH", -7.063, 107.787, 7),
    Kecamatan("32.04.36", "Ibun", "IBN", -7.101, 107.763, 5),
    Kecamatan("32.04.38", "Pasirjambu", "PSJ", -7.089, 107.484, 5),
    Kecamatan("32.04.39", "Ciwidey", "CWD", -7.103, 107.450, 6),
    Kecamatan("32.04.40", "Rancabali", "RCB", -7.150, 107.392, 3),
    Kecamatan("32.04.44", "Cangkuang", "CKG", -7.044, 107.547, 6),
    Kecamatan("32.04.46", "Kutawaringin", "KTW", -6.997, 107.519, 6),
)
"""Centres are rounded to about a hundred metres; weights are our estimate from the size of the towns."""
