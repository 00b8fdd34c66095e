"""Which funnel should stand in the CRM?"""
