"""The ingester's Prometheus metrics."""

from prometheus_client import Counter, Gauge, Histogram

READINGS = Counter("lentera_ingest_readings", "Readings durably stored, repeats included.")
EVENTS = Counter("lentera_ingest_events", "Gateway events durably stored, repeats included.")
RESULTS = Counter("lentera_ingest_results", "Command results durably stored, repeats included.")
ACKNOWLEDGED = Counter("lentera_ingest_acknowledged", "Outbox positions acknowledged to gateways.")
REJECTED = Counter("lentera_ingest_rejected", "Records that no store takes, kept as dead letters.")
FOREIGN = Counter("lentera_ingest_foreign", "Messages about a device that belongs to another gateway.")
AHEAD = Counter("lentera_ingest_ahead", "Readings stored whose time is in the future; they change no state.")
MALFORMED = Counter("lentera_ingest_malformed", "Messages and records that could not be decoded.")
FAILED = Counter(
    "lentera_ingest_failed_messages",
    "Messages whose handling ended in an error of the ingester's own; each is left out.",
)
DROPPED = Counter(
    "lentera_ingest_dropped",
    "Records dropped unacknowledged, to be resent: too many pending.",
)
REBIRTHS = Counter("lentera_ingest_rebirth_requests", "Rebirth requests sent to gateways.")
RETRIES = Counter("lentera_ingest_retries", "Commits retried because a store was unavailable.")
ALARMS = Counter("lentera_alarms", "Alarms started or ended.", ["type", "change"])
PLANS_SENT = Counter("lentera_ingest_plans_sent", "Lighting plans sent to gateways, repeats included.")
PLANS_WAITING = Gauge(
    "lentera_gateways_plan_waiting", "Online gateways that do not follow the current lighting plan yet."
)
PENDING = Gauge("lentera_ingest_pending_records", "Records received and not yet stored.")
GATEWAYS = Gauge("lentera_gateways_online", "Online gateways.")
COMMIT_SECONDS = Histogram(
    "lentera_ingest_commit_seconds",
    "Seconds from a full batch to its commit, retries included.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
