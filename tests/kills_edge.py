"""What each fault of the edge and of the app behind it turns red, and what it blinds.

Where a fault cannot help taking others along, the table says which, and why.
"""

from __future__ import annotations

# Who asks over HTTPS does not get to see anything behind a certificate that clients refuse.
BEHIND_TLS = (
    *("simple_health[edge]", "answers[edge]", "answers_again[edge]", "cross_origin[edge]", "write_attempts[edge]"),
    *("latency[edge]", "latency_change[edge]", "each_machine[edge]", "machine_metrics[edge]", "burst[edge]"),
)
# Without a key set there is nothing to judge in it, and its own time would be that of an error.
KEYS = tuple(
    f"{check}[edge]"
    for check in (
        *("MET-4/test_jwks_is_quick", "JWK-2/test_jwks_holds_a_key", "JWK-2/test_every_key_says_what_it_is_for"),
        *("JWK-2/test_key_ids_are_unique", "JWK-3/test_jwks_publishes_no_private_key", "JWK-4/test_every_key_loads"),
        *("JWK-4/test_every_key_is_strong", "JWK-5/test_rewrite_serves_the_same_set"),
        *(
            "JWK-6/test_caches_let_go_of_a_withdrawn_key",
            "JWK-7/test_keys_come_from_aws",
            "JWK-7/test_no_key_is_built_in",
        ),
    )
)

# fault: (the check that it turns red, the looks or checks that it blinds)
KILLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "not-behind-fly": ("ARC-1/test_flys_edge_serves_the_app[edge]", ()),
    "health-shadowed": ("HLT-1/test_app_is_up[edge]", ()),
    "cold-simple-health": ("HLT-2/test_simple_health_is_quick[edge]", ()),
    "health-degraded": ("HLT-3/test_app_is_healthy_in_every_part[edge]", ()),
    "cold-deep-health": ("HLT-4/test_deep_health_is_quick[edge]", ()),
    "machine-ill": ("HLT-6/test_every_machine_is_healthy_on_its_own[edge]", ()),
    "slow-page": ("MET-1/test_answers_are_quick[edge]", ()),
    "edge-flaky": ("MET-1/test_requests_are_answered[edge]", ()),
    "jwks-slow": ("MET-4/test_jwks_is_quick[edge]", ()),
    "jwks-away": ("JWK-1/test_jwks_answers[edge]", KEYS),
    "jwks-rewrite-broken": ("JWK-1/test_jwks_answers[edge]", KEYS),
    "jwks-content-type": ("JWK-1/test_jwks_answers[edge]", ()),
    "jwks-empty": ("JWK-2/test_jwks_holds_a_key[edge]", ()),
    "jwks-key-unclear": ("JWK-2/test_every_key_says_what_it_is_for[edge]", ()),
    "jwks-duplicate-kid": ("JWK-2/test_key_ids_are_unique[edge]", ()),
    "jwks-private": ("JWK-3/test_jwks_publishes_no_private_key[edge]", ()),
    "jwks-symmetric": ("JWK-3/test_jwks_publishes_no_private_key[edge]", ()),
    "jwks-key-broken": ("JWK-4/test_every_key_loads[edge]", ()),
    "jwks-weak": ("JWK-4/test_every_key_is_strong[edge]", ()),
    "jwks-rewrite-differs": ("JWK-5/test_rewrite_serves_the_same_set[edge]", ()),
    "jwks-no-cache-control": ("JWK-6/test_caches_let_go_of_a_withdrawn_key[edge]", ()),
    "jwks-cached-for-a-year": ("JWK-6/test_caches_let_go_of_a_withdrawn_key[edge]", ()),
    "post-accepted": ("JWK-6/test_jwks_refuses_writes[edge]", ()),
    "post-offered": ("JWK-6/test_jwks_offers_no_writing_method[edge]", ()),
    "jwks-says-fallback": ("JWK-7/test_keys_come_from_aws[edge]", ()),
    "jwks-disguised-fallback": ("JWK-7/test_no_key_is_built_in[edge]", ()),
    "header-missing": ("HDR-1/test_other_sites_cannot_frame_ours[edge]", ()),
    "header-missing-on-404": ("HDR-1/test_other_sites_cannot_frame_ours[edge]", ()),
    "no-nosniff": ("HDR-2/test_content_type_is_never_sniffed[edge]", ()),
    "no-nosniff-on-assets": ("HDR-2/test_content_type_is_never_sniffed[edge]", ()),
    "no-xss-protection": ("HDR-3/test_old_browsers_block_injected_script[edge]", ()),
    "referrer-policy-weak": ("HDR-4/test_other_sites_do_not_learn_our_paths[edge]", ()),
    "powered-by": ("HDR-5/test_answers_do_not_name_the_framework[edge]", ()),
    "no-hsts": ("HDR-6/test_browsers_stay_on_https[edge]", ()),
    "hsts-short": ("HDR-6/test_browsers_stay_on_https[edge]", ()),
    "source-maps-served": ("OPT-4/test_no_source_map_is_served[edge]", ()),
    "no-compression": ("OPT-5/test_text_comes_compressed[edge]", ()),
    "no-etag": ("OPT-6/test_nothing_is_sent_twice[edge]", ()),
    "no-redirect": ("NET-1/test_plain_http_leads_to_https[edge]", ()),
    "redirect-temporary": ("NET-1/test_plain_http_leads_to_https[edge]", ()),
    "redirect-loses-path": ("NET-1/test_plain_http_leads_to_https[edge]", ()),
    "certificate-untrusted": ("NET-2/test_certificate_is_trusted[edge]", BEHIND_TLS),
    "certificate-wrong-host": ("NET-2/test_certificate_is_trusted[edge]", BEHIND_TLS),
    "certificate-expired": ("NET-2/test_certificate_lasts[edge]", BEHIND_TLS),
    "certificate-expires-soon": ("NET-2/test_certificate_lasts[edge]", ()),
    "tls-old": ("NET-2/test_old_tls_is_refused[edge]", ()),
    "no-rate-limit": ("NET-3/test_burst_is_limited[edge]", ("NET-3/test_refusal_says_when_to_come_back[edge]",)),
    "no-retry-after": ("NET-3/test_refusal_says_when_to_come_back[edge]", ()),
    "cors-own-origin-refused": ("NET-4/test_own_origins_may_call_the_api[edge]", ()),
    "cors-foreign-origin": ("NET-4/test_foreign_origins_may_not_call_the_api[edge]", ()),
    "cors-wildcard-with-credentials": ("NET-4/test_nobody_is_granted_everything[edge]", ()),
}

LOST = "MET-1/test_requests_are_answered[edge]"
SLOW = "MET-1/test_answers_are_quick[edge]"
# fault: (the checks that it turns red, the looks or checks that it blinds)
TAKES_ALONG: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # An unhealthy app says so with 503: to whoever asks for its health that is an error like any other.
    "health-unhealthy": (("HLT-3/test_app_is_healthy_in_every_part[edge]", LOST), (SLOW,)),
    # Both health checks are also paths of MET-1, whose limit is lower: what is always slow is slow there, too.
    "slow-simple-health": (("HLT-2/test_simple_health_is_quick[edge]", SLOW), ()),
    "slow-deep-health": (("HLT-4/test_deep_health_is_quick[edge]", SLOW), ()),
    # The app's own fallback is honest: both witnesses speak. The two faults that lie have one each, above.
    "jwks-fallback": (("JWK-7/test_keys_come_from_aws[edge]", "JWK-7/test_no_key_is_built_in[edge]"), ()),
    "jwks-rewrite-fallback": (
        (
            *("JWK-5/test_rewrite_serves_the_same_set[edge]", "JWK-7/test_keys_come_from_aws[edge]"),
            "JWK-7/test_no_key_is_built_in[edge]",
        ),
        (),
    ),
    # Everything is gone: each surface of the app says so in its own words, and nothing else can be judged.
    "app-broken": (
        (
            *("HLT-1/test_app_is_up[edge]", "HLT-3/test_app_is_healthy_in_every_part[edge]", LOST),
            *("HLT-6/test_every_machine_is_healthy_on_its_own[edge]", "JWK-1/test_jwks_answers[edge]"),
            *("MET-5/test_this_run_met_no_server_error[edge]", "MET-6/test_metrics_can_be_scraped[edge]"),
        ),
        (
            *(SLOW, "answers[edge]", "answers_again[edge]", "cross_origin[edge]", "write_attempts[edge]"),
            "machine_metrics[edge]",
        ),
    ),
}

# The same, where a run before has passed.
SINCE: dict[str, tuple[str, tuple[str, ...]]] = {
    "slower-page": ("MET-1/test_answers_are_as_quick_as_before[edge]", ()),
}
