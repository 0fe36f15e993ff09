"""What gateways report, made durable, and acknowledged only then."""
