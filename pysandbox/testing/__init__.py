"""What plugin authors and QA import: real browsers behind one driver, and fakes for unit tests."""
