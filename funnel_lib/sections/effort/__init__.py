"""Where do money and effort go?"""
