"""The tables of an audit: one registry of their columns."""

from __future__ import annotations

# Columns of the tables other programs read; `leads` goes on with the further columns of the leads.
CONTRACT = {
    "funnel": "segment position step n_entered n_reached n_unseen n_open share_of_entered "
    "share_of_previous low high",
    "funnel_rules": "segment position step rule n_reached",
    "segments": "segment name n_leads n_undetermined share_of_leads path stability trust",
    "memberships": "lead_id segment probability",
    "leads": "lead_id segment probability status last_step missed_step asked stage stage_ahead "
    "amount currency",
    "losses": "segment missed_step n_lost n_asked n_not_asked n_unknown share_of_lost "
    "share_of_entered amount_lost currency",
    "necessity": "segment step n_won n_won_with_evidence share self_reported_share",
    "open_leads": "lead_id segment last_step next_step asked days_silent stage manager amount "
    "currency",
    "times": "segment target day incidence low high n_at_risk",
    "time_to": "segment target n_entered last_day incidence low high median_days "
    "median_days_of_takers",
    "cohorts": "month n_entered n_won n_lost n_open horizon_days share low high is_mature",
    "pace": "segment position step n_from_entry median_days_from_entry n_from_previous "
    "median_days_from_previous",
    "standing": "segment step n_took normal_days n_open median_days_open n_standing",
    "value": "segment n_leads n_won amount_won amount_per_lead median_days_to_won "
    "manager_actions_per_lead amount_per_manager_action currency",
    "value_ranges": "segment currency measure value low high",
    "repeats": "segment currency n_won n_again share low high amount_again median_days_to_again",
    "responses": "manager n_leads n_client_first n_answered n_waiting n_unanswered "
    "median_hours_to_answer n_had_hour share_within_hour share_within_hour_low "
    "share_within_hour_high n_had_day share_within_day share_within_day_low share_within_day_high "
    "n_tried n_got_through median_attempts_to_reach n_trying n_given_up median_attempts_given_up "
    "share_given_up_after_one share_given_up_after_one_low share_given_up_after_one_high",
    "hypotheses": "segment step lever share_now share_reference reference extra_won extra_amount "
    "low high currency n_needed_per_arm days_needed",
    "stages": "stage kind step evidence n_deals",
    "stage_renames": "stage renamed_to",
    "stage_by_step": "stage missed_step n_lost n_open",
    "loss_reasons": "loss_reason missed_step n_lost",
    "pipeline": "story rule position step n_entered n_reached n_unseen n_open share_of_entered "
    "share_of_previous low high",
    "pipeline_checks": "check n_deals n_base share low high example",
    "segment_choice": "n_segments description_length gain null_gain chosen",
    "segment_paths": "segment position step share_taken is_optional share_repeated "
    "either_order_with share_reversed again_from share_again",
    "segment_parting": "segment last_step step",
    "segment_traits": "segment step kind share_here share_rest difference low high p_holm",
    "segment_examples": "segment lead_id probability journey n_same",
    "segment_facts": "fact n_leads n_values cramers_v low high share_explained share_right "
    "share_guessed",
    "segment_recognised": "segment position step n_reached n_undetermined share_told "
    "mean_probability",
    "quality": "check n_rows share_of_rows severity example",
}
