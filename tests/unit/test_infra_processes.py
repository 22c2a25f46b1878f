"""What is known of processes that others have started for us."""

import os
import subprocess
import sys

from infra.processes import descendants, resident_bytes

CHILD = """
import subprocess, sys
used = b"x" * 64 * 2**20
own = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(own.pid, flush=True)
input()
own.communicate()
"""


def test_a_child_and_its_own_child_are_known_while_they_live():
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        family = [child.pid, int(child.stdout.readline())]
        found = [each for each in descendants(os.getpid()) if each in family]
        used = [resident_bytes(each) for each in family]
        child.communicate("\n")

    assert found == family
    assert 64 * 2**20 < used[0] < 128 * 2**20
    assert 0 < used[1] < 64 * 2**20
    assert not set(descendants(os.getpid())) & set(family)
    assert [resident_bytes(each) for each in family] == [0, 0]
