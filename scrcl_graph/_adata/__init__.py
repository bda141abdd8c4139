"""Reading an AnnData: its matrix, its columns, what a run left in it; or one sentence about what is missing."""
