"""Stage 5: a trace's observations held against its flow. Pure.

``settling`` and ``tokens`` play BPMN's token game on markings; ``automaton`` determinises it lazily over sets
of them; ``ahead`` bounds what may still come; ``order`` says which observations have a known order;
``alignment`` finds the shortest explanation of a deviation, ``explain`` tells it in sentences and ``path``
finds a way for the picture; ``checker`` is what others call.
"""
