"""What the ingester tells Prometheus about itself."""

from prometheus_client import Counter, Gauge, Histogram

READINGS = Counter("lentera_ingest_readings", "Readings durably stored, repeats included.")
EVENTS = Counter("lentera_ingest_events", "Gateway events durably stored, repeats included.")
RESULTS = Counter("lentera_ingest_results", "Command results durably stored, repeats included.")
ACKNOWLEDGED = Counter("lentera_ingest_acknowledged", "Outbox positions acknowledged to gateways.")
REJECTED = Counter("lentera_ingest_rejected", "Readings the telemetry store refused for good.")
FOREIGN = Counter("lentera_ingest_foreign", "Messages about a device by a gateway it is not of.")
AHEAD = Counter("lentera_ingest_ahead", "Readings stored that claim to be of the future.")
MALFORMED = Counter("lentera_ingest_malformed", "Messages and records that could not be read.")
DROPPED = Counter(
    "lentera_ingest_dropped", "Records dropped unacknowledged for want of room; they come again."
)
REBIRTHS = Counter("lentera_ingest_rebirth_requests", "Rebirths asked of gateways.")
RETRIES = Counter("lentera_ingest_retries", "Commits tried again because a store was unavailable.")
ALARMS = Counter("lentera_alarms", "Alarms that started or ended.", ["type", "change"])
PLANS_SENT = Counter("lentera_ingest_plans_sent", "Lighting plans sent to gateways, repeats included.")
PLANS_WAITING = Gauge(
    "lentera_gateways_plan_waiting", "Gateways within reach that follow another plan than is wanted."
)
PENDING = Gauge("lentera_ingest_pending_records", "Records received and not yet stored.")
GATEWAYS = Gauge("lentera_gateways_online", "Gateways within reach.")
COMMIT_SECONDS = Histogram(
    "lentera_ingest_commit_seconds",
    "From a full batch to its last commit.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
