"""What run_tutorial.py runs, finds and refuses."""

import unittest

import run_tutorial


def fault_of(page, have=()):
    try:
        run_tutorial.check_page(page, set(have))
    except run_tutorial.Fault as fault:
        return str(fault)
    return None


class RunTutorial(unittest.TestCase):
    def test_blocks_share_a_folder_and_a_shell(self):
        page = "# Page\n\n```sh\nword=seen\necho a > file\n```\n\n```sh\ncat file\necho $word\n```\n```text\na\nseen\n```\n"
        self.assertEqual(run_tutorial.check_page(page, set()), (2, 0))

    def test_a_failing_line_is_named_by_its_number_in_the_page(self):
        fault = fault_of("# Page\n\n```sh\necho before\nls /no/such/file\necho after\n```\n")
        self.assertTrue(fault.startswith("5: exit code 2\nbefore\n"), fault)
        self.assertNotIn("after", fault)

    def test_a_failure_within_a_pipe_or_of_an_unset_name_fails(self):
        self.assertTrue(fault_of("\n```sh\nfalse | true\n```\n").startswith("3: exit code 1"))
        self.assertIn("exit code", fault_of('\n```sh\necho "$not_set_anywhere"\n```\n'))

    def test_output_must_be_there_in_order(self):
        page = "\n```sh\nprintf 'one\\n\\ntwo   x\\n----  -\\nthree\\n'\n```\n\n```text\n%s\n```\n"
        for shown in ["one\ntwo x", "two  x\n---------", "one\n...\nthree", "t... x", "three"]:
            self.assertIsNone(fault_of(page % shown), shown)
        for shown, missing in [("three\none", "one"), ("one\nthree", "three"), ("tw", "tw"), ("one\n...\nfour", "four")]:
            self.assertIn(f"not printed, or not there: {missing}\n", fault_of(page % shown), shown)

    def test_numbers_count_unless_only_the_like_of_it_is_shown(self):
        page = "\n```sh\necho 'annealing  597.8 ms  -5.4 %%  1,000 k80x2'\n```\n```text%s\n%s\n```\n"
        self.assertIsNone(fault_of(page % ("", "annealing 597.8 ms -5.4 % 1,000 k80x2")))
        self.assertIsNotNone(fault_of(page % ("", "annealing 597.9 ms -5.4 % 1,000 k80x2")))
        self.assertIsNone(fault_of(page % (" like", "annealing 1.2 s +3 % 4 k80x2")))
        self.assertIsNone(fault_of(page % (" like", "annealing 1.2 s ... k80x2")))
        self.assertIsNone(fault_of(page % (" like", "annealing - +3 % - k80x2")))
        self.assertIsNotNone(fault_of(page % (" like", "annealing - +3 % - -")))
        self.assertIsNotNone(fault_of(page % (" like", "annealing 1.2 s +3 % 4 k80x4")))
        self.assertIsNotNone(fault_of(page % (" like", "heft 1.2 s +3 % 4 k80x2")))

    def test_a_number_may_stand_where_the_like_of_it_shows_none(self):
        page = "\n```sh\necho 'annealing  %s'\n```\n```text%s\nannealing  %s\n```\n"
        self.assertIsNone(fault_of(page % ("-", " like", "666.9 ms")))
        self.assertIsNone(fault_of(page % ("666.9 ms", " like", "-")))
        self.assertIsNotNone(fault_of(page % ("-", "", "666.9 ms")))
        self.assertIsNotNone(fault_of(page % ("--", " like", "666.9 ms")))

    def test_blocks_that_need_what_is_not_there_are_left_out(self):
        page = "\n```sh\ntrue\n```\n```sh needs=torch,page\nfalse\n```\n```text\nwhatever\n```\n"
        self.assertEqual(run_tutorial.check_page(page, {"page"}), (1, 1))
        self.assertTrue(fault_of(page, ["page", "torch"]).startswith("6: exit code 1"))

    def test_a_page_that_runs_nothing_fails(self):
        self.assertIn("no ```sh block", fault_of("# Page\n\n    placer zoo\n"))
        self.assertEqual(fault_of("# Page\n\n```sh\ntrue\n"), "3: the block is not closed")


if __name__ == "__main__":
    unittest.main()
