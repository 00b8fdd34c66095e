"""What everything stands on: errors, events, steps, journeys, groups, words."""
