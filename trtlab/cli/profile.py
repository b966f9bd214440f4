"""``trtlab profile``: from a model to a report."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import ClassVar

from trtlab.cli.command import Command
from trtlab.cli.options import (
    add_build,
    add_measure,
    add_model,
    check_distinct,
    check_folders,
    tactic_sources,
)
from trtlab.cli.printing import READ, TerminalProgress, report_text
from trtlab.report.codec import save
from trtlab.report.saving import save_page
from trtlab.session.one_call import profile


class Profile(Command):
    """Build a model, run it, and show where the time goes.

    MODEL is an ONNX file or a zoo name such as resnet50.
    """

    name: ClassVar[str] = "profile"

    def prepare(self, parser: ArgumentParser) -> None:
        """Model, build, measurement, and where the results go."""
        add_model(parser)
        add_build(parser)
        add_measure(parser)
        group = parser.add_argument_group("results")
        group.add_argument(
            "--json", type=Path, metavar="FILE", help="write the report as JSON"
        )
        group.add_argument("--html", type=Path, metavar="FILE",
                           help="write one self-contained HTML file")  # fmt: skip

    def run(self, args: Namespace) -> int:
        """Profile, print, write."""
        check_folders(args.json, args.html)
        check_distinct(Path(args.model), {"--json": args.json, "--html": args.html})
        with TerminalProgress() as progress:
            progress.phase_start(READ, None, 1)
            report = profile(
                args.model,
                device=args.device,
                precision=args.precision,
                layer_precisions=args.layer_precisions,
                shapes=args.shapes,
                max_aux_streams=args.max_aux_streams,
                memory_pools_bytes=args.pool_limit,
                tactic_sources=tactic_sources(args.tactic_sources, args.device),
                optimization_level=args.optimization_level,
                duration_s=args.duration,
                warmup_ms=args.warmup,
                iterations=args.iterations,
                telemetry=not args.no_telemetry,
                seed=args.seed,
                monitor=progress,
                progress=progress.measured,
            )
        print(report_text(report))
        if args.json is not None:
            print(f"\nreport: {save(report, args.json)}")
        if args.html is not None:
            print(f"HTML: {save_page(report, args.html)}")
        return 0
