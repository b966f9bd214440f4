"""``python -m trtlab``: the command line, also where its script is not on the PATH."""

import sys

from trtlab.cli.main import main

sys.exit(main())
