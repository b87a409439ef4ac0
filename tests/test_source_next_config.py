"""next.config, in every form that people give it, evaluated by a real node."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from fixtures.checkout import Checkout
from fixtures.looks import Unseen
from fixtures.next_config import NextConfig, evaluate

STANDALONE = "{ output: 'standalone' }"
BY_PHASE = "(phase) => ({ output: phase === PHASE_PRODUCTION_BUILD ? 'standalone' : 'wrong' })"
TYPED = f"import type {{ NextConfig }} from 'next'\nconst config: NextConfig = {STANDALONE}\nexport default config\n"
PAINTBOX = Path(__file__).parent.parent / "fixtures" / "paintbox"


def evaluated(tmp_path: Path, text: str, name: str = "next.config.js", seconds: float = 15, **env: str) -> NextConfig:
    app = tmp_path / "app"
    app.mkdir(exist_ok=True)
    (app / name).write_text(text, encoding="utf-8")
    return look(app, tmp_path, seconds=seconds, **env)


def look(app: Path, folder: Path, seconds: float = 15, **env: str) -> NextConfig:
    value: Any = evaluate(Checkout.of(app), folder, env=env, inherited=os.environ, seconds=seconds)
    return NextConfig.parse(value)


def refusal(tmp_path: Path, text: str, name: str = "next.config.js", seconds: float = 15) -> str:
    with pytest.raises(Unseen) as unseen:
        evaluated(tmp_path, text, name, seconds)
    return str(unseen.value)


def test_the_reference_app_s_is_read_whole(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    for name in ("next.config.js", "package.json"):
        shutil.copy(PAINTBOX / name, app / name)
    found = look(app, tmp_path)

    assert (found.output, found.compress, found.etags, found.powered_by_header) == ("standalone", True, True, False)
    assert [(one.source, one.headers["X-Frame-Options"]) for one in found.headers] == [("/:path*", "SAMEORIGIN")]
    assert ("/health", "/api/health") in [(one.source, one.destination) for one in found.rewrites]
    assert found.webpack is not None
    assert ("vendors" in found.webpack.cache_groups, found.webpack.used_exports) == (True, True)
    assert (found.problems, found.unknown_keys) == ((), ())
    assert found.where("output").startswith("next.config.js:")


def test_unset_keys_have_the_defaults_of_next(tmp_path: Path) -> None:
    found = evaluated(tmp_path, "module.exports = {}")

    assert (found.output, found.compress, found.etags, found.powered_by_header) == (None, True, True, True)
    assert (found.browser_source_maps, found.webpack, found.headers, found.rewrites) == (False, None, (), ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("next.config.mjs", f"export default {STANDALONE}"),
        ("next.config.js", f"module.exports = Promise.resolve({STANDALONE})"),
        ("next.config.js", f"module.exports = async (phase, {{ defaultConfig: {{}} }}) => ({STANDALONE})"),
        (
            "next.config.js",
            f"const {{ PHASE_PRODUCTION_BUILD }} = require('next/constants'); module.exports = {BY_PHASE}",
        ),
        ("next.config.mjs", f"import {{ PHASE_PRODUCTION_BUILD }} from 'next/constants'; export default {BY_PHASE}"),
        ("next.config.js", f"console.log('{{rubbish'); console.error('more'); module.exports = {STANDALONE}"),
        ("next.config.js", f"setInterval(() => {{}}, 1000); module.exports = {STANDALONE}"),
        ("next.config.js", f"exports.__esModule = true; exports.default = {STANDALONE}"),
    ],
)
def test_every_form_of_a_configuration_is_evaluated(tmp_path: Path, name: str, text: str) -> None:
    assert evaluated(tmp_path, text, name).output == "standalone"


def test_odd_values_become_plain_data(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path,
        "const me = { f() {}, re: /x/i, n: 10n, m: new Map([['a', 1]]), u: undefined };\nme.me = me;\n"
        "module.exports = { me, get bad() { throw new Error('x') } }",
    )

    assert found.config == {
        "me": {"f": "[function]", "re": "/x/i", "n": "10", "m": {"a": 1}, "me": "[circular]"},
        "bad": "[threw: x]",
    }


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("next.config.js", "\nthrow new Error('no X')", ":2 throws when it is evaluated: Error: no X"),
        ("next.config.js", "module.exports = {\n a: 1\n b: 2 }", "js:3 cannot be read by node: SyntaxError"),
        ("next.config.mjs", "export default {\n a: 1\n b: 2 }", "mjs:3 cannot be read by node: SyntaxError"),
        ("next.config.js", "process.exit(0)", "next.config.js ends node when it is evaluated (process.exit(0))"),
        ("next.config.js", "process.kill(process.pid, 'SIGKILL')", "ended node with"),
        ("next.config.js", "module.exports = new Promise(() => {})", "next.config.js never finishes"),
        ("next.config.js", "module.exports = 5", "next.config.js gives no configuration: it gives number"),
        ("next.config.js", "Promise.reject(new Error('late')); module.exports = new Promise(() => {})", "Error: late"),
        ("next.config.js", "require('@sentry/nextjs')", "js:1 needs the module @sentry/nextjs, which is not"),
        ("next.config.mjs", "import x from '@sentry/nextjs'", "which is not installed: run `npm ci` in"),
        ("next.config.js", "require('./lost')", "js:1 needs ./lost, which is not there"),
        ("next.config.cjs", "module.exports = {}", "Next.js does not read next.config.cjs: name it next.config.js"),
    ],
)
def test_what_cannot_be_evaluated_gets_one_sentence(tmp_path: Path, name: str, text: str, told: str) -> None:
    found = refusal(tmp_path, text, name)

    assert told in found
    assert "\n" not in found


def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    assert "next.config.js did not end within 1 s" in refusal(tmp_path, "for (;;) {}", seconds=1)


def test_none_at_all_and_no_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app").mkdir()
    with pytest.raises(Unseen, match=r"there is no next\.config\.js in"):
        look(tmp_path / "app", tmp_path)

    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(tmp_path, "module.exports = {}").startswith("node is not on PATH: install Node.js")


def test_typescript_that_nothing_can_read_is_told(tmp_path: Path) -> None:
    try:
        assert evaluated(tmp_path, TYPED, "next.config.ts").output == "standalone"  # a node that knows TypeScript
    except Unseen as unseen:
        assert "next.config.ts needs TypeScript to be read: run `npm ci`" in str(unseen)  # noqa: PT017 - either is right


def test_a_configuration_above_the_app_is_found_as_next_finds_it(tmp_path: Path) -> None:
    (tmp_path / "top" / ".git").mkdir(parents=True)
    (tmp_path / "top" / "web").mkdir()
    (tmp_path / "top" / "next.config.mjs").write_text("export default { output: 'standalone' }", encoding="utf-8")

    assert look(tmp_path / "top" / "web", tmp_path).file == "../next.config.mjs"


def test_functions_that_fail_are_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path,
        "module.exports = { compress: false, swcMinify: true, headers: async () => { throw new Error('boom') },\n"
        "  rewrites: async () => ({ beforeFiles: [{ source: '/a', destination: '/b' }], fallback: 5 }),\n"
        "  webpack: () => {} }",
    )

    assert found.problems == ("next.config.js: headers() fails: boom",)
    assert [(one.source, one.destination) for one in found.rewrites] == [("/a", "/b")]
    assert (found.compress, found.unknown_keys) == (False, ("swcMinify",))
    assert found.webpack is not None
    assert found.webpack.error == "it returns no configuration"


def test_the_effect_of_webpack_is_seen(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path,
        "module.exports = { webpack(config, { webpack, isServer }) {\n"
        "  config.plugins.push(new webpack.DefinePlugin({}), new webpack.optimize.LimitChunkCountPlugin({}))\n"
        "  config.optimization.splitChunks = false; config.optimization.minimize = isServer\n"
        "  config.devtool = 'source-map'\n"
        "  return config } }",
    ).webpack

    assert found is not None
    assert (found.splits, found.minimize, found.used_exports, found.source_maps) == (False, False, True, "source-map")


def test_only_public_variables_reach_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLY_API_TOKEN", "canary-token")
    found = evaluated(
        tmp_path,
        "module.exports = { seen: { ...process.env } }",
        GENERATE_SOURCEMAP="false",
        API_TOKEN="canary",
        NODE_OPTIONS="--optimize-for-size",
    ).config["seen"]

    assert set(found) <= {"GENERATE_SOURCEMAP", "PATH", "HOME", "NODE_ENV", "NEXT_TELEMETRY_DISABLED"}
    assert found["NODE_ENV"] == "production"
