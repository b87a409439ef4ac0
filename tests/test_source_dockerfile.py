"""A Dockerfile as its stages, with all that people write into one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fixtures.dockerfile import Dockerfile
from fixtures.looks import Unreadable
from fixtures.secret_names import looks_secret

HEALTHY = (Path(__file__).parent.parent / "fixtures" / "paintbox" / "Dockerfile.production").read_text(encoding="utf-8")
EVERYTHING = r"""# syntax=docker/dockerfile:1
ARG NODE_VERSION=20.20.2
ARG VARIANT
FROM node:${NODE_VERSION:-18}-${VARIANT:-alpine3.22}@sha256:abcdef0123 AS base
# a comment
from base as deps
RUN apk add --no-cache libc6-compat \
  # a comment inside

  && apk add --virtual .build gcc make && npm ci && apk del .build
ARG NPM_TOKEN
ONBUILD RUN apk add evil
FROM base AS runner
RUN <<EOF
apk -U upgrade --no-cache
apk add curl=8.5.0-r0
FROM nothing
EOF
ENV NODE_ENV=production PORT=8080 \
    API_KEY="abc def"
ENV LEGACY some value here
ENV A=$NODE_ENV B='$NODE_ENV' C="x${NODE_ENV}y" D=${NOT_SET:-default}
COPY --from=deps --chown=nextjs:nodejs /app/.next/standalone ./
COPY --chown=nextjs:nodejs ["public dir", "./public"]
COPY --link --from=1 /x /y
USER nextjs:nodejs
EXPOSE 8080 9090/tcp
CMD ["node", "--optimize-for-size", "server.js"]
"""


def read(text: str, **more: object) -> Dockerfile:
    return Dockerfile.parse({"file": "Dockerfile", "text": text, **more})


def test_the_reference_app_is_read_whole() -> None:
    found = read(HEALTHY)

    assert [stage.base.text for stage in found.stages] == ["node:20.20.2-alpine3.23"] * 2
    assert found.final.user is not None
    assert found.final.user.value == "nextjs:nodejs"
    assert found.final.cmd is not None
    assert found.final.cmd.words == ("node", "--optimize-for-size", "server.js")
    assert (len(found.final.upgrades), found.final.packages, found.secrets) == (1, (), ())
    assert [(one.from_stage, one.chown) for one in found.final.copies] == [("build", "nextjs:nodejs")]


def test_stages_bases_and_arguments() -> None:
    found = read(EVERYTHING)
    base = found.stages[0].base

    assert [(one.name, one.parent) for one in found.stages] == [("base", None), ("deps", "base"), ("runner", "base")]
    assert (base.name, base.tag, base.digest) == ("node", "20.20.2-alpine3.22", "sha256:abcdef0123")
    assert (base.node_major, base.where) == (20, "Dockerfile:4")
    assert read(EVERYTHING, args={"NODE_VERSION": "22.1.0"}).stages[0].base.node_major == 22
    assert read(EVERYTHING, target="DEPS").final.name == "deps"


def test_continuations_comments_blank_lines_and_heredocs() -> None:
    found = read(EVERYTHING)
    deps = found.stage("deps")

    assert deps is not None
    assert [(one.name, one.where) for one in deps.packages] == [("libc6-compat", "Dockerfile:7")]
    assert [(one.name, one.version) for one in found.final.packages] == [("curl", "8.5.0-r0")]
    assert found.final.upgrades == ("Dockerfile:14",)


def test_the_environment_is_expanded_as_the_builder_does() -> None:
    env = {name: one.value for name, one in read(EVERYTHING).final.env.items()}

    assert env == {
        "NODE_ENV": "production",
        "PORT": "8080",
        "API_KEY": "abc def",
        "LEGACY": "some value here",
        "A": "production",
        "B": "$NODE_ENV",
        "C": "xproductiony",
        "D": "default",
    }


def test_copies_know_where_from_and_for_whom() -> None:
    found = read(EVERYTHING).final.copies

    assert [(one.sources, one.destination, one.from_stage, one.chown) for one in found] == [
        (("/app/.next/standalone",), "./", "deps", "nextjs:nodejs"),
        (("public dir",), "./public", None, "nextjs:nodejs"),
        (("/x",), "/y", "deps", None),
    ]


def test_secrets_are_told_without_their_value() -> None:
    found = read(f"{EVERYTHING}ENV DB=postgres://u:hunter2@db/x\nENV PASSWORD_FILE=/run/x\n").secrets

    assert found == (
        "Dockerfile:11 ARG NPM_TOKEN is a secret by its name",
        "Dockerfile:19 ENV API_KEY is a secret by its name",
        "Dockerfile:29 ENV DB holds a password in a URL",
    )


def test_a_stage_inherits_what_it_starts_from() -> None:
    found = read('FROM a AS x\nENV A=1\nUSER u\nCMD ["c"]\nRUN apk add git\nCOPY . .\nFROM x\nRUN apk del git\n').final

    assert found.user is not None
    assert found.cmd is not None
    assert (found.env["A"].value, found.user.value, found.cmd.words) == ("1", "u", ("c",))
    assert (found.packages, found.copies) == ((), ())


def test_an_entrypoint_takes_an_inherited_command_away() -> None:
    base = 'FROM a AS x\nCMD ["c"]\nFROM x\nENTRYPOINT ["e"]\n'

    assert read(base).final.cmd is None
    assert read(f'{base}CMD ["d"]\n').final.cmd is not None


@pytest.mark.parametrize(
    ("run", "kept"),
    [
        ("apt-get update && apt-get install -y --no-install-recommends curl=7.1 tini", ["curl", "tini"]),
        ("apt-get install -y gcc && apt-get purge -y gcc", []),
        ('["apk", "add", "curl"]', ["curl"]),
        ("--mount=type=cache,target=/x apk add curl", ["curl"]),
        ("set -e; (apk add -t build gcc) || true", ["gcc"]),
        ("npm install -g pnpm@9.1.0 && npm install left-pad", ["pnpm"]),
        ("echo 'apk add nothing'", []),
    ],
)
def test_packages_are_those_that_stay(run: str, kept: list[str]) -> None:
    assert [one.name for one in read(f"FROM x\nRUN {run}\n").final.packages] == kept


def test_a_shell_form_and_another_escape_character() -> None:
    found = read("# escape=`\nFROM x\nENV A=1 `\n  B=2\nCMD exec node server.js\n").final

    assert set(found.env) == {"A", "B"}
    assert found.cmd is not None
    assert (found.cmd.words, found.cmd.shell) == (("sh", "-c", "exec node server.js"), True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Dockerfile has no FROM"),
        ("# only a comment", "Dockerfile has no FROM"),
        ("x" * 300_000, "Dockerfile has 0.3 MB"),
        ("FROM x\n" * 2_000, "Dockerfile has 2000 instructions"),
        ("\n" * 9_000, "9000 lines"),
        ("FROM x\nENV A=ab\n" + "ENV A=$A$A\n" * 60, "Dockerfile:16: a variable grows beyond"),
    ],
)
def test_what_is_no_dockerfile_gets_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(reason)):
        read(text)


def test_a_target_that_is_not_there_is_told() -> None:
    with pytest.raises(Unreadable, match="no stage web, which fly"):
        read("FROM x AS app", target="web")


def test_no_cut_through_the_text_breaks_the_reading() -> None:
    for end in range(60, len(EVERYTHING), 5):
        assert read(f"FROM x\n{EVERYTHING[:end]}\n\\\n\0\ufeff${{").stages


@pytest.mark.parametrize(
    ("name", "value", "looks"),
    [
        ("API_TOKEN", "abc", True),
        ("apiKey", "abc", True),
        ("AWS_SECRET_ACCESS_KEY", "abc", True),
        ("DATABASE_URL", "postgres://u:p@h/d", True),
        ("X", "AKIAABCDEFGHIJKLMNOP", True),
        ("NPM_TOKEN", None, True),
        ("API_TOKEN", "", False),
        ("JWT_SECRET_NAME", "paintbox/jwt", False),
        ("TOKEN_TTL_SECONDS", "300", False),
        ("KEYBOARD", "qwerty", False),
        ("NEXT_PUBLIC_URL", "https://paintbox.fly.dev", False),
    ],
)
def test_names_and_values_that_look_secret(name: str, value: str | None, looks: bool) -> None:  # noqa: FBT001 - a table's column
    assert bool(looks_secret(name, value)) is looks
