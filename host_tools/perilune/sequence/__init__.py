"""Request sequences: text files to checked steps, to octets, onto the board by ST[21] or ST[11], and rehearsed before.

text.py      the file format           octets.py    steps as the board keeps them
moment.py    times in it               load.py      onto the board, with resumption
condition.py what a WAIT waits for     execute.py   run, abort, status
problem.py   what is wrong with it     schedule.py  time-tagged requests by ST[11]
check.py     what only the whole tells rehearse.py  flown on `sitl` against the lunar plant
"""
