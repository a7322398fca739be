"""A simulated order landscape: five services that tell each other, by events, how orders go along.

They misbehave on purpose, and the generator knows what it broke: every order comes with the truth about
it, worked out from the story told and never from the monitor's own checker. ``story`` tells what happens
to one order, ``wire`` puts it into messages, ``plan`` strings orders together, ``publish`` sends them.
"""
