"""How many bought, were lost, are open?"""
