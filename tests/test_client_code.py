"""What a script's text tells. The samples are chunks that Next.js 15.5 built, or the beginning of one."""

from __future__ import annotations

import pytest

from fixtures.client_code import Chunk, names_a_source_map
from fixtures.looks import Unreadable
from fixtures.optimisation import ClientCode, WebpackOutput

ES_PAGE = (
    '(self.webpackChunk_N_E=self.webpackChunk_N_E||[]).push([[974],{9964:(e,s,t)=>{"use strict";t.d(s,{default:()=>n});'
    'var a=t(5155),h=t(2115);function n(){let[e,s]=(0,h.useState)("asking");return(0,h.useEffect)(()=>{'
    'fetch("/api/simple-health").then(e=>e.json()).then(e=>s(e.status)).catch(()=>s("unreachable"))},[]),'
    '(0,a.jsxs)("p",{children:["This server says: ",(0,a.jsx)("strong",{id:"status",children:e})]})}}},'
    "e=>{e.O(0,[441,96,358],()=>e(e.s=9647)),_N_E=e.O()}]);"
)
COMMONJS_PAGE = (
    '(self.webpackChunk_N_E=self.webpackChunk_N_E||[]).push([[974],{2080:(e,t)=>{"use strict";'
    'Object.defineProperty(t,"__esModule",{value:!0}),t.usedShade=t.deadShade=void 0,t.usedShade=function(){'
    'return"shade-that-is-used"},t.deadShade=function(){return"shade-that-is-dead"}}},e=>{e(e.s=2048)}]);'
)
PLAIN = """(self["webpackChunk_N_E"] = self["webpackChunk_N_E"] || []).push([[974],{

/***/ 9171:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

"use strict";
__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   "default": () => (/* binding */ Status)
/* harmony export */ });
function Status(firstProperty, secondProperty) {
    const [status, setStatus] = useState('asking');
    return jsx("p", { children: ["This server says: ", status] });
}
"""
REACT = 'function i(e){return"https://react.dev/errors/"+e}' + "var a=1,b=2;" * 40


def judged(*chunks: Chunk, bundler: str = "webpack") -> WebpackOutput:
    return WebpackOutput.parse({"bundler": bundler, "chunks": [chunk.as_json() for chunk in chunks]})


@pytest.mark.parametrize(
    ("text", "minified"),
    [
        (ES_PAGE, True),
        (COMMONJS_PAGE, True),
        ("self.x=1;", True),
        ("/*!\n * A licence\n" + " * that is long\n" * 100 + " */\n" + ES_PAGE, True),
        (PLAIN, False),
        (ES_PAGE.replace(";", ";\n").replace(",", ",\n"), False),
        (
            "".join(f"function name{n}(firstParameter,secondParameter){{return firstParameter}}" for n in range(20)),
            False,
        ),
    ],
)
def test_minified_code_is_told_by_lines_and_names(text: str, *, minified: bool) -> None:
    assert Chunk.of("chunks/a.js", text).minified is minified


def test_modules_are_counted_by_how_they_export() -> None:
    found = [
        (chunk.es_modules, chunk.commonjs) for chunk in (Chunk.of("a", t) for t in (ES_PAGE, COMMONJS_PAGE, PLAIN))
    ]

    assert found == [(1, 0), (0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ({"chunks/app/page-1.js": ES_PAGE}, []),
        ({"chunks/app/page-1.js": COMMONJS_PAGE}, ["chunks/app/page-1.js"]),
        (
            {"chunks/app/page-1.js": COMMONJS_PAGE, "chunks/app/layout-2.js": ES_PAGE},
            [],
        ),  # a package's, beside the app's
        ({"chunks/vendors-3.js": COMMONJS_PAGE}, []),
    ],
)
def test_an_app_made_commonjs_cannot_be_shaken(pages: dict[str, str], expected: list[str]) -> None:
    output = judged(Chunk.of("chunks/4bd1.js", REACT), *(Chunk.of(name, text) for name, text in pages.items()))

    assert output.commonjs == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("chunks/pages/_app-1.js", ["chunks/pages/_app-1.js"]), ("chunks/framework-2.js", [])]
)
def test_vendor_code_in_a_page_is_found(name: str, expected: list[str]) -> None:
    assert judged(Chunk.of(name, REACT)).copies_of_react == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"bundler": "turbopack", "chunks": []}, "turbopack has built"),
        ({"bundler": "webpack", "chunks": []}, "no script for browsers"),
        ({"bundler": "webpack", "chunks": [Chunk.of("a.js", ES_PAGE).as_json()]}, "React is in no script"),
    ],
)
def test_no_evidence_is_no_pass(value: object, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        WebpackOutput.parse(value)


def test_no_script_at_all_is_no_pass() -> None:
    with pytest.raises(Unreadable, match="nothing to judge"):
        ClientCode.parse({"chunks": []})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1\n//# sourceMappingURL=a.js.map", True),
        ("a=1\n//# sourceMappingURL=data:application/json;base64,e30=\n", True),
        ("a{b:c}\n/*# sourceMappingURL=a.css.map */", True),
        ('a="//# sourceMappingURL=" + x', False),
        ("a=1", False),
    ],
)
def test_a_script_that_names_its_source_map_is_found(text: str, *, expected: bool) -> None:
    assert names_a_source_map(text) is expected
