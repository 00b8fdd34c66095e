"""What do buyers do after the sale?"""
