"""Names of the points that Lentera uses itself; every profile has them under these names."""

from typing import Final

LEVEL_POINT: Final = "target_level_percent"
RAMP_POINT: Final = "fade_time_s"
FEEDBACK_POINT: Final = "feedback_level_percent"
BOOT_COUNTER: Final = "boot_counter"
POWER_CYCLE: Final = "power_cycle_seen"

TIMEOUT_POINT: Final = "watchdog_timeout_s"
LEVEL_POINTS: Final = ("watchdog_level_percent", "power_on_level_percent")
"""The levels that a controller applies by itself: without a gateway, and after a power cut."""

PHOTOCELL: Final = "photocell_output_on"
CONTACTOR_CONTACT: Final = "contactor_state"
CONTACTOR_RELAY: Final = "contactor_target"
