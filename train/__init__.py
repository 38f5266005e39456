"""The training application: `python -m train STAGE`. Never installed, never imported by the serving package."""
