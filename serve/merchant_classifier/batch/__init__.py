"""Files at the ends of `scoring`: reading, writing, resuming. Needs the `batch` extra."""
