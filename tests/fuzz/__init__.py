"""Fuzzing: inputs that nobody would send, until something but the file's sentence comes out.

`make fuzz MINUTES=5` runs every target with atheris; a finding is the input that made it, in
tests/fuzz/findings. A target is a module of `fuzz.targets` with `seeds()`, small valid inputs;
`check(data)`, which raises where the code does not do what it promises; and, where random bytes
would not get past the first header, `mutate(data, random)`, which knows the format.
"""
