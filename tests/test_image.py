"""The image as a Dockerfile makes it: its stages, its user, what it takes in, and what must not be written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.dockerfile import Dockerfile
from fixtures.fly_toml import FlyToml
from fixtures.image import Image, built, not_in_stages
from fixtures.image_accounts import Accounts
from fixtures.secret_names import looks_secret

if TYPE_CHECKING:
    from fixtures.image import Taken

# The Dockerfile of Next.js' own examples, in short.
USUAL = """
FROM node:20-alpine3.22 AS base
RUN apk upgrade --no-cache
FROM base AS deps
WORKDIR /app
COPY package.json ./
FROM base AS builder
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY . .
FROM node:latest AS dev
COPY . .
FROM base AS runner
WORKDIR /app
RUN addgroup --system --gid 1001 nodejs
RUN adduser --system --uid 1001 nextjs
COPY --from=builder /app/public ./public
COPY --from=builder --chown=nextjs:nodejs /app/.next/standalone ./
USER nextjs
"""


def image(text: str) -> Image:
    return Image.of(Dockerfile.parse({"file": "Dockerfile", "text": text}))


def final(lines: str) -> Image:
    return image(f"FROM node:20 AS build\nFROM node:20 AS server\nWORKDIR /app\n{lines}\n")


def taken(lines: str) -> Taken:
    return final(f"COPY --from=build /app/.next/static ./.next/static\n{lines}").taken[-1]


def test_usual_dockerfile_is_followed_back_from_its_final_stage() -> None:
    made = image(USUAL)

    assert [stage.name for stage in made.stages] == ["base", "deps", "builder", "runner"]
    assert [stage.name for stage in made.layers] == ["base", "runner"]
    assert made.builders == ("builder",)
    assert [(one.what, one.owner, one.output) for one in made.taken] == [
        ("/app/public", "root", True),
        ("/app/.next/standalone", "nextjs", True),
    ]


def test_system_user_without_a_stated_group_is_in_nogroup() -> None:
    made = image(USUAL)

    assert (made.user, made.group, made.user_where) == ("nextjs", "nogroup", "Dockerfile:19")


@pytest.mark.parametrize(
    "text",
    [
        "FROM node:20\nCOPY . .\nRUN npm run build\n",
        "FROM node:20 AS build\nCOPY . .\nFROM build\nCOPY --from=build /app/.next ./.next\n",
        "FROM node:20 AS build\nCOPY . .\nFROM node:20\nCOPY . .\n",
    ],
)
def test_image_that_nobody_hands_anything_has_no_builders_and_takes_nothing(text: str) -> None:
    assert (image(text).builders, image(text).taken) == ((), ())
    assert not_in_stages({"file": "D", "text": text}).endswith("ends as the stage that builds: all of it is shipped")


def test_file_without_a_stage_is_not_built_in_stages() -> None:
    assert not_in_stages({"file": "D", "text": "# nothing\n"}) == "D has no FROM: nothing can be built from it"
    assert not_in_stages({"file": "D", "text": USUAL}) == ""


@pytest.mark.parametrize(
    ("lines", "user", "group"),
    [
        ("", "root", "root"),
        ("USER nextjs:nodejs", "nextjs", "nodejs"),
        ("USER nextjs", "nextjs", None),
        ("RUN adduser -S -u 1001 -G nodejs nextjs\nUSER 1001", "nextjs", "nodejs"),
        ("RUN addgroup -g 1001 nodejs && adduser -S -G nodejs nextjs\nUSER nextjs:1001", "nextjs", "nodejs"),
        ("RUN adduser -SD -u1001 -Gnodejs nextjs\nUSER nextjs", "nextjs", "nodejs"),
        ("RUN adduser --system --ingroup nodejs --uid=1001 nextjs\nUSER 1001", "nextjs", "nodejs"),
        ("RUN groupadd -r nodejs && useradd -r -g nodejs -s /bin/false nextjs\nUSER nextjs", "nextjs", "nodejs"),
        ("RUN useradd --create-home nextjs\nUSER nextjs", "nextjs", "nextjs"),
        ("RUN adduser -D nextjs\nUSER nextjs\nUSER 0", "root", "root"),
    ],
)
def test_user_and_group_are_known_however_they_are_written(lines: str, user: str, group: str | None) -> None:
    assert (final(lines).user, final(lines).group) == (user, group)


@pytest.mark.parametrize(
    ("run", "missing"),
    [
        ("addgroup -S nodejs && adduser -S -G nodejs nextjs", ()),
        ("set -eux; groupadd --gid 1001 nodejs; useradd -g nodejs nextjs", ()),
        ("adduser -S -G nodejs nextjs", ("the group nodejs",)),
        ("addgroup nodejs && adduser --unheard-of 1 nextjs", ()),
        ("addgroup -S nextjs && addgroup nextjs nodejs", ("the user nextjs", "the group nodejs")),
        ("echo 'adduser nextjs'", ("the user nextjs", "the group nodejs")),
    ],
)
def test_who_is_made_is_told_from_who_is_only_named(run: str, missing: tuple[str, ...]) -> None:
    runs = Dockerfile.parse({"file": "Dockerfile", "text": f"FROM alpine\nRUN {run}\n"}).final.runs

    assert Accounts.of(runs).missing("nextjs", "nodejs") == missing


@pytest.mark.parametrize(
    ("lines", "output"),
    [
        ("COPY --from=build /app/.next/standalone ./", True),
        ("COPY --from=build /app/public ./public", True),
        ("COPY --from=build /app/.next /app/lib ./", False),
        ("COPY --from=build /app ./", False),
        ("COPY --from=build /app/node_modules ./node_modules", False),
        ("COPY --from=nginx:1.29 /etc/nginx /etc/nginx", False),
        ("COPY .next/standalone ./", False),
        ("ADD https://example.invalid/agent.tar.gz /", False),
    ],
)
def test_built_output_is_told_from_all_else(lines: str, output: bool) -> None:  # noqa: FBT001 - a table's column
    assert taken(lines).output is output


MADE = "RUN addgroup -g 1001 nodejs && adduser -u 1001 -S -G nodejs nextjs\n"


@pytest.mark.parametrize(
    ("lines", "owner"),
    [
        ("COPY --from=build /app/.next ./.next", "root"),
        ("USER nextjs\nCOPY --from=build /app/.next ./.next", "root"),
        ("COPY --from=build --chown=nextjs /app/.next ./.next", "nextjs"),
        ("COPY --from=build --chown=1001:1001 /app/.next ./.next", "nextjs"),
        ("COPY --from=build /app/.next ./.next\nRUN chown -R nextjs:nodejs /app", "nextjs"),
        ("COPY --from=build /app/.next ./.next\nRUN chown --recursive nextjs .", "nextjs"),
        ("COPY --from=build /app/.next ./.next\nRUN chown nextjs /app", "root"),
        ("COPY --from=build /app/.next ./.next\nRUN chown -R nextjs /app/other", "root"),
        ("RUN chown -R nextjs /app\nCOPY --from=build /app/.next ./.next", "root"),
    ],
)
def test_owner_is_who_has_the_files_in_the_end(lines: str, owner: str) -> None:
    assert final(MADE + lines).taken[-1].owner == owner


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[build]\ndockerfile = "./Dockerfile.production"\n', "Dockerfile.production"),
        ('app = "x"\n', "Dockerfile"),
        ('[build]\nbuilder = "paketo"\n', "with paketo"),
        ('[build]\nbuilder = "paketo"\ndockerfile = "D"\n', "D"),
        ('[build]\nimage = "nginx:1"\ndockerfile = "D"\n', "nothing and deploys nginx:1"),
    ],
)
def test_what_a_deploy_builds_is_told(text: str, told: str) -> None:
    assert built(FlyToml.parse({"file": "fly.toml", "text": text})) == told


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DEPLOY", "[redacted:fly-token]", "DEPLOY holds a secret (fly-token)"),
        ("REPORTS", "https://[redacted:userinfo]@example.invalid", "REPORTS holds a password in a URL"),
        ("GREETING", "[redacted:FLY_API_TOKEN]", "GREETING holds a secret (FLY_API_TOKEN)"),
        ("API_KEY", "[redacted:key]", "API_KEY is a secret by its name"),
        ("SESSION_COOKIE", "[redacted:cookie]", ""),
    ],
)
def test_secret_is_recognised_though_the_record_does_not_hold_it(name: str, value: str, reason: str) -> None:
    assert looks_secret(name, value) == reason
