export interface Camera {
  zoom: number;
  latitude: number;
  longitude: number;
}

export type Panel = "areas" | "faults";

/** What the address bar remembers, so that a view can be sent to a colleague. */
export interface View {
  camera: Camera | null;
  lampId: string | null;
  areaId: string | null;
  panel: Panel;
}

export const emptyView: View = { camera: null, lampId: null, areaId: null, panel: "areas" };

function parseCamera(text: string | null): Camera | null {
  const [zoom, latitude, longitude] = (text ?? "").split("/").map(Number);
  if (zoom === undefined || latitude === undefined || longitude === undefined) return null;
  if (![zoom, latitude, longitude].every(Number.isFinite)) return null;
  if (Math.abs(latitude) > 85 || Math.abs(longitude) > 180) return null;
  return { zoom, latitude, longitude };
}

export function parseHash(hash: string): View {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  return {
    camera: parseCamera(query.get("map")),
    lampId: query.get("lamp") || null,
    areaId: query.get("area") || null,
    panel: query.get("panel") === "faults" ? "faults" : "areas",
  };
}

export function formatHash(view: View): string {
  const parts: string[] = [];
  if (view.camera) {
    const { zoom, latitude, longitude } = view.camera;
    parts.push(`map=${zoom.toFixed(2)}/${latitude.toFixed(5)}/${longitude.toFixed(5)}`);
  }
  if (view.lampId) parts.push(`lamp=${encodeURIComponent(view.lampId)}`);
  if (view.areaId) parts.push(`area=${encodeURIComponent(view.areaId)}`);
  if (view.panel !== "areas") parts.push(`panel=${view.panel}`);
  return parts.length > 0 ? `#${parts.join("&")}` : "";
}
