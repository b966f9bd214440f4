"""``trtlab zoo``: list and export the reference models."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import ClassVar

from trtlab import zoo
from trtlab.cli.command import Command
from trtlab.cli.options import parse_seed
from trtlab.cli.printing import table


class Zoo(Command):
    """List the reference models, or write one as an ONNX file.

    trtlab zoo list
    trtlab zoo export resnet50 -o resnet50.onnx
    """

    name: ClassVar[str] = "zoo"

    def prepare(self, parser: ArgumentParser) -> None:
        """``list`` or ``export NAME -o FILE``."""
        kinds = parser.add_subparsers(dest="action", required=True)
        kinds.add_parser("list", help="names, tasks and sizes")
        export = kinds.add_parser("export", help="write a model as ONNX")
        export.add_argument("model", metavar="NAME")
        export.add_argument("-o", "--output", type=Path, help="file (default: NAME.onnx)")
        export.add_argument("--seed", type=parse_seed, default=0,
                            help="of the random weights")  # fmt: skip

    def run(self, args: Namespace) -> int:
        """List or export."""
        if args.action == "export":
            path = args.output or Path(f"{args.model}.onnx")
            print(zoo.export(args.model, path, seed=args.seed))
            return 0
        models = [zoo.info(name) for name in zoo.names()]
        rows = [(m.name, m.task, m.title, f"{m.parameters / 1e6:.1f} M") for m in models]
        print(table(("name", "task", "architecture", "parameters"), rows, left=3))
        return 0
