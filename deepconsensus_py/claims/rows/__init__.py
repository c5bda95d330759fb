"""One module for each row of the table of claims; its ``ROW`` says what is claimed and how it is shown."""
