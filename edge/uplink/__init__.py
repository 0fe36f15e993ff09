"""The MQTT side of a gateway: the Sparkplug session, delivery from the outbox, messages."""
