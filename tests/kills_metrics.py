"""What each fault of the metrics turns red, and what it blinds."""

from __future__ import annotations

SERIES = "MET-6/test_metrics_tell_what_dashboards_need[edge]"
GROWTH = "MET-2/test_memory_is_as_low_as_before[edge]"

# fault: (the check that it turns red, the looks or checks that it blinds)
KILLS: dict[str, tuple[str, tuple[str, ...]]] = {
    # Pages that cannot be read tell neither series, memory nor age: those looks are blind.
    "metrics-invalid": ("MET-6/test_metrics_can_be_scraped[edge]", (SERIES, "machine_metrics[edge]")),
    "metrics-series-missing": (SERIES, ("MET-2/test_every_machine_has_memory_left[edge]", GROWTH)),
    "high-memory": ("MET-2/test_every_machine_has_memory_left[edge]", ()),
    "server-errors": ("MET-5/test_edge_answered_nobody_with_a_server_error", ()),
    "unknown-path-trips": ("MET-5/test_this_run_met_no_server_error[edge]", ()),
    "restart-loop": ("MET-7/test_no_machine_was_restarted_after_a_crash", ()),
    "process-restarts": ("MET-7/test_no_server_was_started_again_inside_its_machine[edge]", ()),
    "oom-kill": ("MET-9/test_platform_counted_no_kill_for_memory", ()),
    "oom-kill-recent": ("MET-9/test_no_machine_tells_of_a_kill_for_memory", ()),
}
# The same, where a run before has passed.
SINCE: dict[str, tuple[str, tuple[str, ...]]] = {
    "memory-grown": (GROWTH, ()),
}

# fault: the checks that it blinds, or the looks under them
BLINDS = {
    "platform-metrics-missing": (
        "MET-5/test_edge_answered_nobody_with_a_server_error",
        "MET-9/test_platform_counted_no_kill_for_memory",
    ),
}
