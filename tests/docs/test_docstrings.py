"""Every public name has an example, and the examples say what they show."""

import doctest

import pytest

import effsearch

pytestmark = pytest.mark.slow  # together they take many seconds

FINDER = doctest.DocTestFinder(recurse=False)


@pytest.mark.parametrize("name", effsearch.__all__)
def test_the_example_of_a_public_name(name: str, request: pytest.FixtureRequest) -> None:
    shown = {public: getattr(effsearch, public) for public in effsearch.__all__}
    (test,) = FINDER.find(shown[name], name, module=False, globs=shown | {"effsearch": effsearch})
    assert test.examples, f"effsearch.{name} has no example"
    assert not any(example.options.get(doctest.SKIP) for example in test.examples)
    code = "".join(example.source for example in test.examples)
    if any(f"effsearch.{long}(" in code for long in PREPARED):
        request.getfixturevalue("prepared")
    if any(word in code for word in ("load_run", "runs/", "scale_family", "resume")):
        request.getfixturevalue("at_work")
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert not said, "".join(said)


PREPARED = ("search_baseline", "search_coefficients", "compare_scaling", "train")
