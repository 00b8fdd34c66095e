"""``python -m funnel_lib`` is ``funnel``, where the folder of commands is not on the path."""

from funnel_lib.cli import main

if __name__ == "__main__":
    main()
