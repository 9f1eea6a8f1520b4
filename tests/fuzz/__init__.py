"""Fuzzing: seeded mutants of valid inputs through everything that reads, analyses, draws and writes traces.

python -m tests.fuzz --seed 1 --count 20000        inputs of the decoders (`make fuzz`)
python -m tests.fuzz.screen --seed 1 --count 500   events of the screen, on a pseudo-terminal
"""
