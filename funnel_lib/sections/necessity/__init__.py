"""Which steps do buyers show?"""
