"""Results of batches: facts of each request, without prompts or outputs."""
