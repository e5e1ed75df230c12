"""Several machines as one: what each of them has, starting a run on all of them, stopping it everywhere."""
