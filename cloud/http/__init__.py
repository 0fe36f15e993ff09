"""HTTP plumbing without any domain in it: problems, parameters, responses, server."""
