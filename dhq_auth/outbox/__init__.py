"""What extensions are to deliver: kept with the change that it tells of, tried until it is done.

A row is written in the transaction of the change (`owed`), so that nothing is told that did not
happen, and nothing that did is lost. The processes share what is due: whoever comes first takes a
row for a while (`dispatcher`), tries it, and notes what came of it; where a process ends in between,
the row is due again when that while is over. So a delivery may come twice, with the same id.
"""
