"""Work on more than one machine, by Ray; nothing of it is imported unless it is asked for."""
