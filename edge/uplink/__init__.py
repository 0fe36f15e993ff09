"""The gateway's connection to the cloud: a Sparkplug session over MQTT, and delivery from the outbox."""
