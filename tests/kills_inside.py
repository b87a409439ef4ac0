"""What each fault of the logs and of the inside of machines turns red, and what it blinds."""

from __future__ import annotations

PORT = "IMG-8/test_server_listens_on_the_documented_port"
WRITABLE = "REC-2/test_app_can_write_to_the_volume"
LOG_FILE = "REC-7/test_log_file_is_there_and_young"
TROUBLE = "MET-8/test_logs_hold_no_trouble"

# fault: (the check that it turns red, the looks or checks that it blinds)
KILLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "server-as-root": ("IMG-2/test_server_process_runs_as_the_documented_user", ()),
    "server-other-port": (PORT, ()),
    "process-environment-other": ("IMG-8/test_server_runs_with_the_documented_environment", ()),
    "process-heap-other": ("IMG-8/test_server_caps_its_heap_as_documented", ()),
    "volume-not-mounted": ("REC-2/test_volume_is_mounted_in_the_machines", ()),
    "volume-read-only": (WRITABLE, ()),
    "data-not-writable": (WRITABLE, ()),
    "log-file-old": (LOG_FILE, ()),
    "log-file-missing": (LOG_FILE, ()),
    "logs-errors": (TROUBLE, ()),
    "logs-slow": (TROUBLE, ()),
    "logs-5xx": ("MET-5/test_no_5xx_in_the_log_buffer", ()),
}

# fault: the looks that it blinds. That token may neither execute a command in a machine nor have a certificate checked.
BLINDS = {"logs-empty": ("log_buffer",), "token-read-only": ("machine_insides", "domain_certificates")}
