"""A person's data: exported, erased with proof, kept by policy; and who did it."""
