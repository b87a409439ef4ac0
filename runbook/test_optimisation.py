"""Build and runtime optimisation: what browsers get is small, and comes once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.build import Build
    from fixtures.build_output import BuildOutput
    from fixtures.delivery import Delivery
    from fixtures.next_config import NextConfig, Webpack
    from fixtures.optimisation import ClientCode, WebpackOutput


@item("OPT-1", expects="no key in next.config that Next.js does not know")
@pytest.mark.predeploy
def test_next_config_has_no_key_without_effect(production_build: Build) -> None:
    """Next.js knows every key of next.config: it ignores the others, and builds without what they ask for.

    `swcMinify` is one of them: Next.js 15 always minifies with SWC.
    """
    unknown = production_build.unknown_keys

    assert not unknown, f"Next.js ignores {', '.join(unknown)}"


@item("OPT-1", expects="webpack may minify")
@pytest.mark.predeploy
@pytest.mark.offline
def test_minification_is_left_on(webpack: Webpack | None, next_config: NextConfig) -> None:
    """next.config leaves minification on, as production builds have it: `optimization.minimize`."""
    minifies = webpack is None or webpack.minimize

    assert minifies, f"{next_config.where('webpack')} sets optimization.minimize to false"


@item("OPT-1", expects="every script for browsers is minified")
@pytest.mark.predeploy
def test_client_code_is_minified(client_code: ClientCode) -> None:
    """Every script for browsers is minified: written in long lines, with short names."""
    plain = [f"{chunk.name}, {chunk.bytes} bytes" for chunk in client_code.chunks if not chunk.minified]

    assert not plain, f"not minified: {'; '.join(plain)}"


@item("OPT-2", expects="webpack may leave unused exports out")
@pytest.mark.predeploy
@pytest.mark.offline
def test_unused_exports_are_left_out(webpack: Webpack | None, next_config: NextConfig) -> None:
    """next.config leaves tree shaking on, as production builds have it: `optimization.usedExports`."""
    shakes = webpack is None or webpack.used_exports

    assert shakes, f"{next_config.where('webpack')} sets optimization.usedExports to false"


@item("OPT-2", expects="the app's code reaches the bundler as ES modules")
@pytest.mark.predeploy
def test_client_code_can_be_shaken(webpack_output: WebpackOutput) -> None:
    """The app's own code reaches the bundler as ES modules: of anything else it cannot leave out what nobody uses.

    A Babel preset that makes CommonJS of it, for tests perhaps, quietly ends tree shaking.
    """
    commonjs = webpack_output.commonjs

    assert not commonjs, f"CommonJS and no ES module in {', '.join(commonjs)}"


@item("OPT-3", expects="webpack splits chunks")
@pytest.mark.predeploy
@pytest.mark.offline
def test_chunks_are_split(webpack: Webpack | None, next_config: NextConfig) -> None:
    """next.config leaves the splitting of chunks on: `optimization.splitChunks`."""
    splits = webpack is None or webpack.splits

    assert splits, f"{next_config.where('webpack')} sets optimization.splitChunks to false"


@item("OPT-3", expects="React in a chunk of its own, in none of a page's")
@pytest.mark.predeploy
def test_vendor_code_has_chunks_of_its_own(webpack_output: WebpackOutput) -> None:
    """Vendor code lies in chunks of its own: browsers keep them from release to release, and load them once.

    React stands for all of it: no page or layout may bring its own copy.
    """
    copies = webpack_output.copies_of_react

    assert not copies, f"React lies in {', '.join(copies)}"


@item("OPT-4", expects="no .map file in what is deployed")
@pytest.mark.predeploy
def test_no_source_map_is_built(built: BuildOutput) -> None:
    """No source map is in what is deployed: it is the app's source, for whoever asks."""
    assert not built.maps, f"source maps: {', '.join(built.maps)}"


@item("OPT-4", expects="no script or style sheet that names a source map")
@pytest.mark.predeploy
def test_no_script_names_a_source_map(built: BuildOutput) -> None:
    """No script or style sheet for browsers carries its source, or names where it is."""
    assert not built.mapped, f"name a source map: {', '.join(built.mapped)}"


@item("OPT-4", expects="no 200 to a script's .map")
@pytest.mark.predeploy
@pytest.mark.postdeploy
def test_no_source_map_is_served(delivery: Delivery) -> None:
    """A request for the source map of a script that is served finds nothing."""
    answer = delivery.source_map

    assert answer.status != 200, f"{answer.url} answers {answer.status}, {answer.decoded_bytes} bytes"  # noqa: PLR2004 - the status


@item("OPT-5", expects="Content-Encoding on a page and on a script")
@pytest.mark.predeploy
@pytest.mark.postdeploy
def test_text_comes_compressed(delivery: Delivery) -> None:
    """A page and a script come compressed to whoever accepts that: a quarter of the bytes, on slow lines above all."""
    assert not delivery.uncompressed, f"not compressed: {', '.join(delivery.uncompressed)}"


@item("OPT-6", expects="304 to a page and a script that the client already has")
@pytest.mark.predeploy
@pytest.mark.postdeploy
def test_nothing_is_sent_twice(delivery: Delivery) -> None:
    """A client that already has a page or a script is told so by 304, and gets no body (RFC 9110, section 13.1.2)."""
    assert not delivery.sent_again, "; ".join(delivery.sent_again)
