"""The command ``fgsbir``: search by drawing, without the pipeline."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from fgsbir.commands import adapt, draw, export, export_embeddings, index, search, serve
from fgsbir.commands.options import printable
from fgsbir.data.records import DataError
from fgsbir.runtime.faults import disk_is_full
from fgsbir.runtime.memory import end_without_collecting, keep_freed_memory

COMMANDS = {"adapt": adapt, "draw": draw, "export": export, "export-embeddings": export_embeddings, "index": index}
COMMANDS |= {"search": search, "serve": serve}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. An error that the user can mend is one line, with exit status 1. Ctrl-C gives status 130."""
    keep_freed_memory()
    end_without_collecting()
    parser = argparse.ArgumentParser(prog="fgsbir", description="Search photos by drawing.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        summary = (command.__doc__ or "").split("``: ", 1)[1].splitlines()[0]
        command.add_arguments(commands.add_parser(name, help=summary, description=summary))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("fgsbir").setLevel(logging.INFO)  # and not all that the libraries under it have to tell
    try:
        COMMANDS[options.command].run(options)
        sys.stdout.flush()
    except DataError as error:
        parser.exit(1, f"error: {printable(str(error))}\n")
    except KeyboardInterrupt:
        parser.exit(130, "interrupted\n")
    except BrokenPipeError:  # who reads the answer has read enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if disk_is_full(error):
            parser.exit(1, f"error: the disk is full ({error}); free some space and give the same command again\n")
        if not isinstance(error, OSError) or error.filename is None:
            raise
        parser.exit(1, f"error: {printable(str(error.filename))}: {error.strerror}\n")


if __name__ == "__main__":
    main()
