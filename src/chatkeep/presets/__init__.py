"""The two schemas of the seeds, each as the seed wrote it and hardened."""
