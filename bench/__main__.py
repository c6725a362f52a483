"""`python -m bench`: starts both registries, measures, prints a Markdown table."""

import argparse
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench import lists, memory, peers
from bench.load import NotMeasured
from bench.peers import Peer
from bench.points import FULL, QUICK, Contents, Point, Scale, enough_disk, points
from tests.support.processes import MissingPeer
from tests.support.scratch import scratch

MODES = {"embedded": peers.embedded, "cluster": peers.cluster}
TITLES = {
    "embedded": "Embedded: SQLite, one server process a core",
    "cluster": "Two instances on PostgreSQL and Redis, eight connections to each",
}


def main() -> int:
    """Gives the exit status: 0 whatever the figures say, 1 when a program is missing."""
    options = _options()
    scale = QUICK if options.quick else FULL
    try:
        for mode in MODES if options.mode == "all" else [options.mode]:
            if mode == "lists":
                lists.table(lists.SCALES[:1] if options.quick else lists.SCALES, options.only)
            else:
                _compare(mode, scale, options.only)
    except MissingPeer as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--mode", choices=["all", *MODES, "lists"], default="all", help="how Portolan is set up; lists: the REST API"
    )
    parser.add_argument("--quick", action="store_true", help="one short round: an impression, not a figure")
    parser.add_argument("--only", default="", metavar="TEXT", help="only points whose name has TEXT in it")
    return parser.parse_args()


def _compare(mode: str, scale: Scale, only: str) -> None:
    with _everything(mode, scale) as (reference, ours, contents):
        print(f"\n### {TITLES[mode]}\n")
        print(
            "docker-registry without authentication, Portolan with tokens; ratio: how many times better Portolan is.\n"
        )
        print("| | docker-registry | Portolan | ratio | target | |\n|---|---:|---:|---:|---:|---|", flush=True)
        for point in points(contents):
            if only in point.name:
                print(_row(point, reference, ours, scale.rounds, point.targets[mode]), flush=True)
        print("\n| process | memory now | peak | target |\n|---|---:|---:|---:|")
        for name, (now, peak) in memory.resident(ours.instances).items():
            print(f"| {name} | {now} MB | {peak} MB | < {memory.TARGET} MB |")


@contextmanager
def _everything(mode: str, scale: Scale) -> Iterator[tuple[Peer, Peer, Contents]]:
    with scratch("bench") as directory:
        if not enough_disk(directory, scale):
            raise MissingPeer(f"{directory.parent} has too little space for this benchmark; try --quick")
        contents = Contents(directory, scale)
        with peers.reference() as reference, MODES[mode]() as ours:
            for peer in (reference, ours):
                contents.prepare(peer)
            yield reference, ours, contents


def _row(point: Point, reference: Peer, ours: Peer, rounds: int, target: float) -> str:
    """Measures both in turn, so that a change of the machine's mood meets both; medians."""
    figures: dict[str, list[float]] = {reference.name: [], ours.name: []}
    try:
        for _ in range(rounds):
            for peer in (reference, ours):
                figures[peer.name].append(point.measure(peer))
    except NotMeasured as trouble:
        return f"| {point.name} | | | | ≥ {target:g} x | not measured: {peer.name}: {trouble} |"
    theirs, mine = (statistics.median(figures[peer.name]) for peer in (reference, ours))
    ratio = point.ratio(mine, theirs)
    verdict = "" if ratio >= target else "short"
    return f"| {point.name} | {_show(theirs, point.unit)} | {_show(mine, point.unit)} | {ratio:.2f} x | ≥ {target:g} x | {verdict} |"


def _show(figure: float, unit: str) -> str:
    if unit == "s":
        return f"{figure:.2f} s"
    return f"{figure / 1e6:,.0f} MB/s" if unit == "B/s" else f"{figure:,.0f}{unit}"


if __name__ == "__main__":
    sys.exit(main())
