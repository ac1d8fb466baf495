"""The command line as a module, which is how torchrun starts it: `torchrun … -m llmasos_edu.cli train`."""

from . import app

if __name__ == "__main__":
    app(prog_name="llmasos-edu")
