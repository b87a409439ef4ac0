"""What each fault of the fleet, as the Fly CLI tells it, turns red, and what it blinds."""

from __future__ import annotations

HCK = (
    "HCK-1/test_machines_carry_the_simple_check",
    "HCK-2/test_machines_carry_the_deep_check",
    "HCK-3/test_machines_carry_the_tcp_check",
)
TCP, HTTP = "HLT-5/test_tcp_check_passes_on_every_machine", "HLT-7/test_platform_sees_every_check_pass"
CARRIED = "ARC-4/test_machines_carry_health_checks"
DRIFT = "ARC-5/test_machines_run_with_what_fly_toml_asks_for"
FEWEST, MOST = "CFG-3/test_no_fewer_machines_exist_than_documented", "CFG-3/test_no_more_machines_exist_than_documented"
FLOOR, LIMITS = "CFG-3/test_machines_carry_the_floor", "CFG-4/test_machines_carry_the_documented_limits"
SCALING = "CFG-6/test_machines_scale_by_themselves"
RUNNING, AWAKE = "MET-3/test_every_machine_runs_or_sleeps", "MET-3/test_enough_machines_are_awake"
ONE_IMAGE, RELEASED = "IMG-9/test_machines_run_one_image", "IMG-9/test_newest_release_runs"
OPEN, AGE = "IMG-9/test_no_deploy_is_open_or_broken", "IMG-5/test_running_image_is_recent"
COMMIT = "IMG-9/test_running_image_is_of_the_gated_commit"
SNAPSHOTS, STAGED = "REC-2/test_volumes_have_recent_snapshots", "REC-3/test_no_secret_is_staged"
ADDRESSES = "ARC-1/test_the_app_has_addresses_of_both_protocols"
BACK = "REC-4/test_there_is_a_release_to_go_back_to"

# fault: (the check that it turns red, the looks or checks that it blinds)
KILLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "app-suspended": ("ARC-1/test_fly_io_calls_the_app_deployed", ()),
    "host-moved": ("ARC-1/test_the_host_that_users_know_is_the_apps", ()),
    "no-public-ipv6": (ADDRESSES, ()),
    "no-public-ipv4": (ADDRESSES, ()),
    "machine-stopped": (RUNNING, ()),
    "machine-crashed": (RUNNING, ()),
    "too-many-asleep": (AWAKE, ()),
    "machine-host-down": ("MET-3/test_every_host_is_there", ()),
    "machine-cordoned": ("IMG-9/test_no_machine_is_cordoned", ()),
    "machine-too-small": ("CFG-2/test_machines_have_the_documented_memory", ()),
    "machine-wrong-cpus": ("CFG-1/test_machines_have_the_documented_cpus", ()),
    "machine-other-image": (ONE_IMAGE, ()),
    # An image that no release brought has no date.
    "image-not-released": (RELEASED, (AGE,)),
    "image-not-labelled": (COMMIT, ()),
    "image-old": (AGE, ()),
    "release-half-done": (OPEN, ()),
    "release-failed": (OPEN, ()),
    "release-first": (BACK, ()),
    "too-few-machines": (FEWEST, ()),
    "too-many-machines": (MOST, ()),
    "check-failing": (HTTP, ()),
    "tcp-check-failing": (TCP, ()),
    # Where there is no check at all, none can be judged.
    "no-health-checks": (CARRIED, (*HCK, TCP, HTTP)),
    "drift-env": (DRIFT, ()),
    "drift-concurrency": (LIMITS, ()),
    "drift-autostop": (SCALING, ()),
    "drift-floor": (FLOOR, ()),
    "drift-checks": (HCK[0], ()),
    "drift-deep-check": (HCK[1], ()),
    "drift-tcp-check": (HCK[2], ()),
    "drift-force-https": ("NET-1/test_machines_force_https", ()),
    "secret-staged": (STAGED, ()),
    "secret-missing": ("REC-3/test_running_app_has_its_secrets", ()),
    "volume-missing": ("REC-2/test_every_machine_has_its_volume", ()),
    "snapshots-missing": (SNAPSHOTS, ()),
    "snapshots-old": (SNAPSHOTS, ()),
    "domain-not-issued": ("NET-5/test_custom_domains_have_certificates", ()),
    "domain-expires-soon": ("NET-5/test_certificates_of_custom_domains_are_current", ()),
}

# fault: (the checks that it turns red, the looks or checks that it blinds)
TAKES_ALONG: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # Requests wake a stopped machine unless autostart is off, too: on the platform, one takes the other along. Then
    # nothing is left that could answer.
    "no-machine-running": (
        (
            *(RUNNING, SCALING, "HLT-1/test_app_is_up[edge]", "HLT-3/test_app_is_healthy_in_every_part[edge]"),
            *("JWK-1/test_jwks_answers[edge]", "MET-1/test_requests_are_answered[edge]"),
            *("MET-5/test_this_run_met_no_server_error[edge]", "MET-6/test_metrics_can_be_scraped[edge]"),
            "NET-4/test_own_origins_may_call_the_api[edge]",
        ),
        (
            *("fly_checks", "machine_insides", "simple_health[edge]", "answers[edge]", "answers_again[edge]"),
            *("write_attempts[edge]", "latency[edge]", "each_machine[edge]", "machine_metrics[edge]", "burst[edge]"),
        ),
    ),
}

# What stands on a login that may see the app.
LOGIN = (
    *("fly_status", "fly_addresses", "fly_machines", "fly_releases", "fly_secrets", "fly_volumes", "fly_snapshots"),
    *("fly_domains", "domain_certificates", "log_buffer", "platform_metrics", "machine_insides"),
    *("machine_metrics[edge]", "each_machine[edge]", "burst[edge]"),
)
# fault: the looks that it blinds
BLINDS = {"not-authenticated": LOGIN, "app-not-visible": LOGIN}

# What postdeploy has nothing against, and why not.
HARMLESS = {
    "machine-asleep": "the proxy may put a machine to sleep while enough others are awake",
    "next-release-sick": "what runs is well; it is the next deploy that will not be",
}
