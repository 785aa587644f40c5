"""The one error that users of cdmer meet: what is wrong, where, and what to do about it."""


class CdmerError(Exception):
    """Something that the user can mend.

    Parameters
    ----------
    problem
        What is wrong, naming the file, the clip or the key.
    remedy
        What to do about it, in the imperative.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n  -> {self.remedy}" if self.remedy else self.problem
