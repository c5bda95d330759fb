"""Work on several cores: worker processes, values passed between them, results in order, and what the machine has."""
