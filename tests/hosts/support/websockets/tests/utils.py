"""What the tests of websockets import beside themselves, and their source distribution lacks."""

import unittest


class GeneratorTestCase(unittest.TestCase):
    """A test of generators that wait for data by yielding."""

    def assertGeneratorRunning(self, generator):
        """See the generator wait."""
        next(generator)

    def assertGeneratorReturns(self, generator):
        """See the generator end; give what it returns."""
        with self.assertRaises(StopIteration) as caught:
            next(generator)
        return caught.exception.value
